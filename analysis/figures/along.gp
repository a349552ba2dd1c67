# Along training: before it style.gp and data, picture, y_name, y_text, y_scale, y_log.
x_name = 'step'; x_kind = 'log'
if (!exists('x_text')) { x_text = 'training step (log axis; 0 set apart)' }
bars = 2; series = 'curve'; two = 0; joined = 1
load 'panels.gp'
