/** The last line of `apps/regression`, whoever runs it. */
export const FINAL = "FINAL rounds=2 fits=2.0 train-loss=0.01007793895382283 " +
  "eval-loss=0.010094328625722734 line=[2.839133149784619, -1.0039511405886874]";
