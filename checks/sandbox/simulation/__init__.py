"""What every simulator of somebody else's service is made of: a server on loopback, a control API to talk to,
an account kept on disk, pages without scripts, and a process to run it in.

What a service does is the simulator's own: nothing here knows of payments or messages.
"""
