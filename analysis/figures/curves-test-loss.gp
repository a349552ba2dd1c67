# Test loss of f_lin along training.
picture = 'curves-test-loss'; data = 'curves.tsv'
load 'style.gp'; load 'settings.gp'
y_name = 'test_loss'; y_text = 'test loss'; y_scale = 1; y_log = 1
load 'along.gp'
