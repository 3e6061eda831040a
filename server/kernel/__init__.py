"""What every floor stands on: no input, no output, no framework."""
