"""Scripts that make calls: for learners, presenters and authors."""
