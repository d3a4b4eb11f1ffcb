"""The private sequential recommender: releases, statistics, paths, evaluation."""
