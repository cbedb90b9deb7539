"""What our own web application firewall rules decide, evaluated here: the emulator never enforces them."""
