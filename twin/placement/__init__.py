"""Where to hang sensors: what they see of a plan, and the search for better places."""
