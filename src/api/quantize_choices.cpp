#include "calib/observers/observers.h"
#include "plan/targets.h"
#include "q8/quantize.h"
#include "recover/recover.h"

namespace q8 {

std::vector<ChoiceHelp> list_observers() {
  std::vector<ChoiceHelp> rows;
  for (const ObserverRow& observer : observers())
    rows.push_back({observer.name, observer.help, observer.name == QuantizeJob().observer});
  return rows;
}

std::vector<ChoiceHelp> list_targets() {
  std::vector<ChoiceHelp> rows;
  for (const Target& target : targets())
    rows.push_back({target.name, target.help, target.name == QuantizeJob().target});
  return rows;
}

std::vector<ChoiceHelp> list_recovery_passes() {
  std::vector<ChoiceHelp> rows;
  for (const RecoveryPass& pass : recovery_passes())
    rows.push_back({pass.name, pass.help, pass.by_default});
  return rows;
}

}  // namespace q8
