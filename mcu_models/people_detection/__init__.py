"""People counted by rules, without a network: a background, a threshold, and regions of warm pixels."""
