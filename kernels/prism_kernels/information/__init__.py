"""Information theory: entropies, mutual information and transfer entropy, in nats."""
