#pragma once

#include "calib/observers/observers.h"

// The functions of the rows in observers.cpp, one file each.
namespace q8 {

Range observe_auto(const TensorStatistics&, const ObserverSettings&);
Range observe_minmax(const TensorStatistics&, const ObserverSettings&);
Range observe_percentile(const TensorStatistics&, const ObserverSettings&);
Range observe_entropy(const TensorStatistics&, const ObserverSettings&);
Range observe_mse(const TensorStatistics&, const ObserverSettings&);
Range observe_average(const TensorStatistics&, const ObserverSettings&);
Range observe_aciq(const TensorStatistics&, const ObserverSettings&);

}  // namespace q8
