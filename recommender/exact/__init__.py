"""What all learners' exact histories can say: the bound at epsilon infinity, never released."""
