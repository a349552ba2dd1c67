# Across tasks: how probable it is that a run with K is better than one of the baseline.
picture = 'across-improvement'; data = 'across.tsv'
load 'style.gp'; load 'settings.gp'
x_name = 'refresh_period'; x_text = 'refresh period K (steps; ∞: never refreshed)'; x_kind = 'log'
y_name = 'improvement'; y_text = 'P(better than the baseline) (0 to 1)'; y_scale = 1; y_log = 0; bars = 1
level = 0.5; edge = 0; y_least = 0; y_most = 1
series = 'curve'; two = 1; joined = 1
load 'panels.gp'
