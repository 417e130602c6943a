#include "data/data_files.h"

#include <gmock/gmock.h>

#include "temporary_folder.h"
#include "thrown.h"

namespace q8 {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
namespace fs = std::filesystem;

std::vector<std::string> names_in(const std::vector<fs::path>& folders) {
  std::vector<std::string> names;
  for (const DataFile& file : find_data_files(folders, {}).files) names.push_back(file.name);
  return names;
}

TEST(DataFiles, FoldersOfOneNameAreToldApartByTheirParents) {
  const TemporaryFolder folder;
  folder.write("monday/p/a.png", "");
  folder.write("friday/p/a.png", "");
  EXPECT_THAT(names_in({folder / "monday/p", folder / "friday/./p/"}),
              ElementsAre("monday/p/a.png", "friday/p/a.png"));
}

TEST(DataFiles, OneFolderIsNotPartOfTheNames) {
  const TemporaryFolder folder;
  folder.write("p/x/a b.png", "");
  folder.write("p/x/\xc3\xa4\xe7\x8c\xab.png", "");  // ä猫
  EXPECT_THAT(names_in({folder / "p"}), ElementsAre("x/a b.png", "x/\xc3\xa4\xe7\x8c\xab.png"));
}

TEST(DataFiles, LinksThatGoRoundAreAnError) {
  const TemporaryFolder folder;
  folder.write("p/a.png", "");
  fs::create_directory_symlink(folder / "p", folder / "p/again");
  EXPECT_THAT(bad_input_of([&] { (void)names_in({folder / "p"}); }), HasSubstr("again"));
}

}  // namespace
}  // namespace q8
