"""The network: a hardened libp2p host, message links to every member, and blob transfer."""
