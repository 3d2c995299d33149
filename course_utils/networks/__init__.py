"""Networks: models, shipped weights, training, and what chapters hand on to one another."""
