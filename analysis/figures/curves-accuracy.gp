# Test accuracy of f_lin along training.
picture = 'curves-accuracy'; data = 'curves.tsv'
load 'style.gp'; load 'settings.gp'
y_name = 'test_accuracy'; y_text = 'test accuracy (%)'; y_scale = 100; y_log = 0
y_least = 0; y_most = 100
load 'along.gp'
