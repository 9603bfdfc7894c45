#include "app/completions.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "base/error.h"

namespace millrace::app {
namespace {

struct Level {
  std::string path;  // "topics list"
  std::vector<const CLI::App*> verbs;
  std::vector<std::string> options;
};

std::vector<Level> LevelsOf(const CLI::App& root) {
  std::vector<Level> levels;
  const std::function<void(const CLI::App&, const std::string&)> visit = [&](const CLI::App& app,
                                                                             const std::string& path) {
    Level level{.path = path, .verbs = app.get_subcommands({}), .options = {}};
    for (const auto* option : app.get_options()) {
      for (const auto& name : option->get_lnames()) level.options.push_back("--" + name);
      for (const auto& name : option->get_snames()) level.options.push_back("-" + name);
    }
    levels.push_back(level);
    for (const auto* verb : level.verbs) visit(*verb, path.empty() ? verb->get_name() : path + " " + verb->get_name());
  };
  visit(root, "");
  return levels;
}

std::string WordsOf(const Level& level) {
  std::string words;
  for (const auto* verb : level.verbs) words += verb->get_name() + " ";
  return words + fmt::format("{}", fmt::join(level.options, " "));
}

/// Finds the longest verb path among the words so far, then offers what that level has; files otherwise.
std::string Bash(const CLI::App& root) {
  std::string script =
      "# bash completion of millrace: source <(millrace completions bash)\n"
      "_millrace() {\n"
      "  local word=\"${COMP_WORDS[COMP_CWORD]}\" path=\"\" i\n"
      "  for ((i = 1; i < COMP_CWORD; ++i)); do\n"
      "    case \"${COMP_WORDS[i]}\" in -*) ;; *) path=\"${path:+$path }${COMP_WORDS[i]}\" ;; esac\n"
      "  done\n"
      "  local words\n"
      "  case \"$path\" in\n";
  const auto levels = LevelsOf(root);
  for (auto level = levels.rbegin(); level != levels.rend(); ++level) {
    const auto pattern = level->path.empty() ? std::string("\"\"") : fmt::format("\"{0}\"|\"{0} \"*", level->path);
    script += fmt::format("    {}) words=\"{}\" ;;\n", pattern, WordsOf(*level));
  }
  return script +
         "    *) words=\"\" ;;\n"
         "  esac\n"
         "  COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
         "}\n"
         "complete -o default -F _millrace millrace\n";
}

std::string Zsh(const CLI::App& root) {
  return "#compdef millrace\n# zsh completion of millrace: source <(millrace completions zsh)\n"
         "autoload -U +X bashcompinit && bashcompinit\n" +
         Bash(root);
}

std::string Quote(std::string text) {
  for (size_t at = 0; (at = text.find('\'', at)) != std::string::npos; at += 2) text.insert(at, "\\");
  return "'" + text + "'";
}

std::string Fish(const CLI::App& root) {
  std::string script = "# fish completion of millrace: millrace completions fish | source\n";
  for (const auto& level : LevelsOf(root)) {
    std::string condition = "__fish_use_subcommand";
    if (!level.path.empty()) {
      condition.clear();
      std::string word;
      for (size_t at = 0; at < level.path.size(); at += word.size() + 1) {
        word = level.path.substr(at, level.path.find(' ', at) - at);
        condition += (condition.empty() ? "" : "; and ") + ("__fish_seen_subcommand_from " + word);
      }
    }
    for (const auto* verb : level.verbs) {
      script += fmt::format("complete -c millrace -n '{}' -f -a {} -d {}\n", condition, verb->get_name(),
                            Quote(verb->get_description()));
    }
    for (const auto& option : level.options) {
      const bool is_long = option.starts_with("--");
      script += fmt::format("complete -c millrace -n '{}' -{} {}\n", condition, is_long ? "l" : "s",
                            option.substr(is_long ? 2 : 1));
    }
  }
  return script;
}

}  // namespace

std::string CompletionScript(const CLI::App& root, const std::string& shell) {
  if (shell == "bash") return Bash(root);
  if (shell == "zsh") return Zsh(root);
  if (shell == "fish") return Fish(root);
  throw Error(ErrorCode::kUsage, fmt::format("there are completions for bash, zsh and fish, not for '{}'", shell));
}

}  // namespace millrace::app
