#include "app/scratch.h"

#include "base/log.h"
#include "base/random.h"
#include "io/file_error.h"

namespace millrace::app {

namespace fs = std::filesystem;

std::string ScratchWord() {
  auto word = Random::FromSystem().Uuid();
  std::erase(word, '-');
  return word.substr(0, 12);
}

fs::path NearestFolder(const fs::path& path) {
  std::error_code error;
  auto folder = fs::absolute(path, error).lexically_normal();
  while (folder.has_parent_path() && folder != folder.root_path() && !fs::is_directory(folder, error)) {
    folder = folder.parent_path();
  }
  return folder;
}

ScratchFolder::ScratchFolder(const fs::path& in) : path_(in / (".millrace-doctor-" + ScratchWord())) {
  std::error_code error;
  fs::create_directory(path_, error);
  if (error) throw io::FileError(error.value(), "make a folder in", in.native());
}

ScratchFolder::~ScratchFolder() {
  std::error_code error;
  fs::remove_all(path_, error);
  if (error) LogWarning("{} stays behind: {}; remove it", path_.string(), error.message());
}

}  // namespace millrace::app
