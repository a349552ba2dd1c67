# Wall time of a job against K, measured and predicted.
picture = 'cost'; data = 'cost.tsv'
load 'style.gp'; load 'settings.gp'
x_name = 'refresh_period'; x_text = 'refresh period K (steps; ∞: never refreshed)'; x_kind = 'log'
y_name = 'seconds'; y_text = 'wall time of a job (s)'; y_scale = 1; y_log = 1; bars = 1
series = 'curve'; two = 1; joined = 1
load 'panels.gp'
