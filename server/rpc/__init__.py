"""What stands between the wire and a servicer: one chain of steps, composed once per method."""
