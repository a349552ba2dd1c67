# Linearisation gap at refreshes.
picture = 'refresh-gap'; data = 'refreshes.tsv'
load 'style.gp'; load 'settings.gp'
y_name = 'gap'; y_text = 'linearisation gap (ratio)'; y_scale = 1; y_log = 1
x_text = 'step of the refresh (log axis)'
load 'along.gp'
