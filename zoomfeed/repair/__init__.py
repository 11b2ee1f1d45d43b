"""The third source: after a gap, what Zoom's REST knows.

reconcile    when to compare, and what people are told of it
survey       one comparison, from the list of live runs to who was in the ended ones
known        what our tables say
comparison   both beside each other, as bodies for the log; pure
rest         the calls; `endpoints` which there are and what they need, `limiter` how often they may be made
"""
