#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "app/init_template.h"
#include "app/verbs.h"
#include "io/file_descriptor.h"
#include "io/file_error.h"

namespace millrace::app {
namespace {

namespace fs = std::filesystem;

struct InitArguments {
  std::string folder = ".";
  std::string name;
  std::string from;
  std::string to;
};

/// What is typed, or `fallback` for nothing at all. Error kUsage at the end of the input.
std::string Ask(const std::string& question, const std::string& fallback) {
  fmt::print(stderr, "{} [{}]: ", question, fallback);
  std::string line;
  if (!std::getline(std::cin, line))
    throw Error(ErrorCode::kUsage, "the questions were not answered; nothing was made");
  const auto begin = line.find_first_not_of(" \t");
  if (begin == std::string::npos) return fallback;
  return line.substr(begin, line.find_last_not_of(" \t") + 1 - begin);
}

/// By word or by number, until it is one of them.
std::string Choose(const std::string& question, const std::vector<InitWord>& words) {
  fmt::print(stderr, "\n{}\n", question);
  for (size_t i = 0; i < words.size(); ++i)
    fmt::print(stderr, "  {}  {:<10} {}\n", i + 1, words[i].word, words[i].says);
  for (;;) {
    const auto answer = Ask("number or word", std::string(words.front().word));
    for (size_t i = 0; i < words.size(); ++i) {
      if (answer == words[i].word || answer == std::to_string(i + 1)) return std::string(words[i].word);
    }
    fmt::print(stderr, "'{}' is none of them\n", answer);
  }
}

std::string FolderName(const std::string& folder) {
  const auto name = fs::absolute(folder).lexically_normal();
  const auto last = name.filename().empty() ? name.parent_path().filename() : name.filename();
  return last.empty() ? "main" : last.string();
}

InitChoice ChoiceOf(const InitArguments& arguments) {
  InitChoice choice{.name = arguments.name, .from = arguments.from, .to = arguments.to};
  const bool asks = isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1;
  if (choice.name.empty())
    choice.name = asks && (choice.from.empty() || choice.to.empty())
                      ? Ask("A name for the pipeline, for good", FolderName(arguments.folder))
                      : FolderName(arguments.folder);
  if (choice.from.empty()) {
    choice.from = asks ? Choose("Where do events come from?", InitSources()) : std::string(InitSources().front().word);
  }
  if (choice.to.empty()) {
    choice.to = asks ? Choose("Where shall they go?", InitTargets()) : std::string(InitTargets().front().word);
  }
  return choice;
}

void RequireNone(const fs::path& folder, const std::vector<InitFile>& files) {
  std::string there;
  for (const auto& file : files) {
    if (fs::exists(fs::symlink_status(folder / file.path))) there += (there.empty() ? "" : ", ") + file.path;
  }
  if (there.empty()) return;
  throw Error(ErrorCode::kUsage, fmt::format("{} has {} already, and nothing is overwritten; name another folder: "
                                             "`millrace init DIR`",
                                             folder.string(), there));
}

void Write(const fs::path& folder, const InitFile& file) {
  const auto path = folder / file.path;
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  if (error) throw io::FileError(error.value(), "create the folder", path.parent_path().native());
  const auto made = io::FileDescriptor::Open(path, O_WRONLY | O_CREAT | O_EXCL, file.path == ".env" ? 0600 : 0666);
  if (!made.is_open()) throw io::FileError(errno, "create", path.native());
  io::WriteAll(made, file.text, path);
}

ExitCode Init(const InitArguments& arguments) {
  const auto choice = ChoiceOf(arguments);
  const auto files = InitFiles(choice);
  const fs::path folder = arguments.folder;
  RequireNone(folder, files);
  for (const auto& file : files) {
    Write(folder, file);
    fmt::print("{}\n", (folder / file.path).lexically_normal().string());
  }
  const auto enter = folder == "." ? "" : fmt::format("  cd {}\n", folder.string());
  fmt::print(stderr, "\nnext:\n{}{}", enter, InitNextSteps(choice));
  return ExitCode::kDone;
}

std::string Words(const std::vector<InitWord>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ", ") + std::string(word.word);
  return text;
}

}  // namespace

void AddInit(CLI::App& root, Session& session) {
  const auto arguments = std::make_shared<InitArguments>();
  auto* verb = AddVerb(
      root, session, "init", "Begin a pipeline: asks where events come from and go, and writes its files",
      [arguments] { return Init(*arguments); },
      "  millrace init                                     asks; without a terminal: generator to iceberg\n"
      "  millrace init shop --from kafka --to iceberg\n"
      "  millrace init api --from api --to json --name orders-api");
  verb->add_option("dir", arguments->folder, "The folder, made unless it is there [.]");
  verb->add_option("--name", arguments->name, "The pipeline's name [that of the folder]");
  verb->add_option("--from", arguments->from, "Where events come from: " + Words(InitSources()));
  verb->add_option("--to", arguments->to, "Where they go: " + Words(InitTargets()));
}

}  // namespace millrace::app
