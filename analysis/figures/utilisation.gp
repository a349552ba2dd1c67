# Busy workers over time.
picture = 'utilisation'; data = 'utilisation.tsv'
load 'style.gp'; load 'settings.gp'
x_name = 'seconds'; x_text = 'time since the first start (s)'; x_kind = 'linear'
y_name = 'busy'; y_text = 'busy workers'; y_scale = 1; y_log = 0; bars = 0
series = 'curve'; two = 1; joined = 1; pointless = 1; from_zero = 1
load 'panels.gp'
