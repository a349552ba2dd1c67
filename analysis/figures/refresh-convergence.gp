# Residual at the end of a segment over that at its start.
picture = 'refresh-convergence'; data = 'refreshes.tsv'
load 'style.gp'; load 'settings.gp'
y_name = 'convergence'; y_text = 'segment convergence (ratio)'; y_scale = 1; y_log = 1
x_text = 'step of the refresh (log axis)'
load 'along.gp'
