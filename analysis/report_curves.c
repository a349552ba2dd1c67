/* Along training: learning curves, and what happens at refreshes. */
#include <string.h>

#include "base/error.h"
#include "report.h"
#include "report_series.h"

#define BANDS "Means over seeds with bands of 95 % t intervals. "

int report_curves(struct report *r, struct error *err)
{
    static const struct series series = {
        .step = "step", .n = 6, .measures = {
            {"curve_test_accuracy", NULL, "test_accuracy", "test_accuracy_low", "test_accuracy_high", "test accuracy of f_lin"},
            {"curve_test_accuracy_network", NULL, "test_accuracy_network", "test_accuracy_network_low", "test_accuracy_network_high",
             "test accuracy of f_θ"},
            {"curve_test_loss", NULL, "test_loss", "test_loss_low", "test_loss_high", "test loss of f_lin"},
            {"curve_test_loss_network", NULL, "test_loss_network", "test_loss_network_low", "test_loss_network_high",
             "test loss of f_θ"},
            {"curve_train_loss", NULL, "train_loss", "train_loss_low", "train_loss_high", "training loss of f_lin"},
            {"curve_train_loss_network", NULL, "train_loss_network", "train_loss_network_low", "train_loss_network_high",
             "training loss of f_θ"}}};
    static const struct picture pictures[] = {
        {"curves-accuracy", "Test accuracy of f_lin along training", BANDS "One curve a refresh period; step 0 stands apart.", "test_accuracy"},
        {"curves-test-loss", "Test loss of f_lin along training", BANDS "On log axes.", "test_loss"},
        {"curves-train-loss", "Training loss of f_lin along training", BANDS "On log axes. A loss that still falls at the end has "
         "not converged, and the answer holds for this many steps only.", "train_loss"}};
    struct sheet t = {.id = "curves", .title = "Learning curves"};
    report_section(r, "curves", "Learning curves", NULL);
    int result = series_fill(r, &series, &t, err);
    bool classes = result == 0 && sheet_has(&t, "test_accuracy");   /* a regression has none */
    if (result == 0)
        result = report_show(r, &t, pictures + !classes, sizeof pictures / sizeof *pictures - !classes,
                             "No curves: no job has ended.", err);
    sheet_free(&t);
    return result;
}

int report_refreshes(struct report *r, struct error *err)
{
    static const struct series series = {
        .step = "refresh_step", .n = 5, .measures = {
            {"refresh_loss_jump", NULL, "loss_jump", "loss_jump_low", "loss_jump_high", "jump of the training loss"},
            {"refresh_accuracy_jump", NULL, "accuracy_jump", "accuracy_jump_low", "accuracy_jump_high",
             "jump of the training accuracy"},
            {"refresh_gap", NULL, "gap", "gap_low", "gap_high", "linearisation gap"},
            {"refresh_parameter_change", NULL, "parameter_change", "parameter_change_low", "parameter_change_high",
             "relative change of the parameters"},
            {"refresh_convergence", NULL, "convergence", "convergence_low", "convergence_high", "segment convergence"}}};
    static const struct picture pictures[] = {
        {"refresh-jump", "Jump of the training loss at refreshes",
         BANDS "The loss of f_θ, with which the next segment starts, minus that of f_lin, with which the last one ended.", "loss_jump"},
        {"refresh-gap", "Linearisation gap at refreshes",
         BANDS "‖f_θ − f_lin‖ / ‖f_lin − f_s‖ on the training inputs before the refresh: how far the network has left its "
         "linearisation, over how far the segment has come.", "gap"},
        {"refresh-convergence", "Convergence of segments",
         BANDS "‖r<sub>s+K</sub>‖ / ‖r<sub>s</sub>‖, the residual at the end of a segment over that at its start: 1 is no progress, "
         "near 0 the linear problem was solved.", "convergence"}};
    struct sheet t = {.id = "refreshes", .title = "Refreshes"};
    report_section(r, "refreshes", "Refreshes and segments", NULL);
    int result = series_fill(r, &series, &t, err);
    if (result == 0)
        result = report_show(r, &t, pictures, sizeof pictures / sizeof *pictures,
                             "No refresh was logged: features were updated at every step, or never.", err);
    sheet_free(&t);
    return result;
}
