"""Makes the networks that come with the twin; needs the extra `train`."""
