class LeaseLost(Exception):
    def __init__(self, feed_pk): self.feed_pk = feed_pk
