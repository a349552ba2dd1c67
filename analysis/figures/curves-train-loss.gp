# Training loss of f_lin along training.
picture = 'curves-train-loss'; data = 'curves.tsv'
load 'style.gp'; load 'settings.gp'
y_name = 'train_loss'; y_text = 'training loss'; y_scale = 1; y_log = 1
load 'along.gp'
