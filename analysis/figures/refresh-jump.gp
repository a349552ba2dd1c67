# Jump of the training loss at refreshes.
picture = 'refresh-jump'; data = 'refreshes.tsv'
load 'style.gp'; load 'settings.gp'
y_name = 'loss_jump'; y_text = 'jump of the training loss'; y_scale = 1; y_log = 0
x_text = 'step of the refresh (log axis)'
load 'along.gp'
