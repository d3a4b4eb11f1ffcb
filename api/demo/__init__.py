"""The whole job on the sample: four platforms, a swarm, a merged model, a page."""
