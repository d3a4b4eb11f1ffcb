"""What a platform releases: learner vectors, clipping, integers, noise, accounting."""
