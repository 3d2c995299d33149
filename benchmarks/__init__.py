"""The course beside its ancestor, the memory of its chapters, the speed of its widgets."""
