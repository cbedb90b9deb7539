"""What a synthesised environment must keep to: the rules, the packs beside them, and the gate that holds."""
