"""From records to files and pages that a person reads."""
