"""Transfer: a task learned in one language and tested in others."""
