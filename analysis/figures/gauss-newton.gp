# Gauss-Newton runs beside linearised runs of the same K and time.
picture = 'gauss-newton'; data = 'gauss-newton.tsv'
load 'style.gp'; load 'settings.gp'
x_name = 'refresh_period'; x_text = 'refresh period K (steps of a segment)'; x_kind = 'log'
y_name = 'mean'; y_text = metric_text; y_scale = metric_scale; y_log = 0; bars = 1
series = 'curve'; two = 1; joined = 1
load 'panels.gp'
