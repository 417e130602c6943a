#include "data_options.h"

namespace q8::cli {

void add_data_options(CLI::App& command, DataPaths& data) {
  command.add_option("--data", data.folders, "folder of samples; may be given several times")
      ->type_name("DIR")
      ->allow_extra_args(false);  // what follows the folder is an argument of its own
  command.add_option("--manifest", data.manifest, "text file with one sample file a line")
      ->type_name("FILE");
  command.add_option("--labels", data.labels, "labels.csv: file,class_index or index,class_index")
      ->type_name("FILE");
  command
      .add_option("--preprocess", data.preprocess,
                  "preprocessor_config.json (default: the one beside the model or in the folder)")
      ->type_name("FILE");
}

void add_mask_option(CLI::App& command, std::string& mask) {
  command.add_option("--mask", mask, "input that is 0 at padded positions, which do not count")
      ->type_name("INPUT");
}

}  // namespace q8::cli
