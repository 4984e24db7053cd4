"""``config/*.toml`` as frozen models: rules, ladders, providers, wording."""
