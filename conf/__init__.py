"""The configuration: one root per command, and groups. Installed as ``transliconet.conf``."""
