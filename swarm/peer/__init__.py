"""The peer process: the shell that gives the protocol core a network, a disk and children."""
