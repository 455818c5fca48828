"""Training: the LightningModule, the optimizer, what is logged, and the run from start to
export.
"""
