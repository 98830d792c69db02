"""What disappeared, came back or changed: the list of events, what is told of each, the chart, and the feed."""
