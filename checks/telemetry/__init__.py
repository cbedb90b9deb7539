"""Whether what is watched is also said: metrics of alarms and dashboards, and who emits them."""
