# Eigenvalues of the kernel, by their number: at initialisation, and at the end for each K.
picture = 'kernel-spectrum'; data = 'spectra.tsv'
load 'style.gp'; load 'settings.gp'
x_name = 'number'; x_text = 'number of the eigenvalue (log axis)'; x_kind = 'log'
y_name = 'eigenvalue'; y_text = 'eigenvalue on the probe'; y_scale = 1; y_log = 1
bars = 2; series = 'curve'; two = 0; joined = 1
load 'panels.gp'
