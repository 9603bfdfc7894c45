#include "app/graph_picture.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <string_view>
#include <vector>

#include "io/xml.h"

namespace millrace::app {
namespace {

// Pixels.
constexpr int kLetter = 8;
constexpr int kBoxHeight = 32;
constexpr int kBoxPadding = 24;
constexpr int kRowHeight = 56;
constexpr int kColumnGap = 72;
constexpr int kMargin = 16;

constexpr std::string_view kStyle =
    "<style>rect{fill:#fff;stroke:#334}text{font:13px "
    "monospace;fill:#112;text-anchor:middle}path{fill:none;stroke:#889}"
    ".given{fill:#eee;stroke:#aab}.view{stroke-dasharray:5 "
    "3}@media(prefers-color-scheme:dark){rect{fill:#223;stroke:#bbc}"
    "text{fill:#eef}.given{fill:#333;stroke:#667}}</style>\n"
    "<defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" "
    "orient=\"auto\"><path d=\"M0 0L8 4L0 8\"/></marker></defs>\n";

struct Box {
  std::vector<std::string> inputs = {};
  std::string_view kind = "given";
  int layer = 0;
  double place = 0;  // in its layer
  int x = 0;
  int y = 0;
  int width = 0;
};

using Boxes = std::map<std::string, Box>;

/// Each one layer to the right of the last thing it is made of, which stands before it in the graph.
Boxes BoxesOf(const refine::Graph& graph) {
  Boxes boxes;
  for (const auto& node : graph.nodes()) {
    auto& box = boxes[catalog::ToString(node.model.name)];
    box.kind = node.model.materialized == refine::Materialized::kView ? "view" : "model";
    for (const auto& name : node.names) {
      const auto& input = box.inputs.emplace_back(catalog::ToString(name));
      box.layer = std::max(box.layer, boxes[input].layer + 1);
    }
  }
  return boxes;
}

/// In the order of the middle of what each is made of, so that few lines cross.
void Place(Boxes& boxes) {
  std::map<int, std::vector<Box*>> layers;
  for (auto& [name, box] : boxes) {
    box.width = static_cast<int>(name.size()) * kLetter + kBoxPadding;
    layers[box.layer].push_back(&box);
  }
  int x = kMargin;
  for (auto& [number, layer] : layers) {
    for (Box* box : layer) {
      for (const auto& input : box->inputs)
        box->place += boxes.at(input).place / static_cast<double>(box->inputs.size());
    }
    std::ranges::stable_sort(layer, {}, &Box::place);
    int widest = 0;
    for (size_t i = 0; i < layer.size(); ++i) {
      layer[i]->place = static_cast<double>(i);
      layer[i]->x = x;
      layer[i]->y = kMargin + static_cast<int>(i) * kRowHeight;
      widest = std::max(widest, layer[i]->width);
    }
    x += widest + kColumnGap;
  }
}

void AppendLine(const Box& from, const Box& to, std::string& out) {
  const int x = from.x + from.width, y = from.y + kBoxHeight / 2, end = to.y + kBoxHeight / 2;
  const int bend = (to.x - x) / 2;
  fmt::format_to(std::back_inserter(out), "<path marker-end=\"url(#tip)\" d=\"M{} {}C{} {} {} {} {} {}\"/>\n", x, y,
                 x + bend, y, to.x - bend, end, to.x, end);
}

void AppendBox(const std::string& name, const Box& box, std::string& out) {
  fmt::format_to(std::back_inserter(out),
                 "<rect class=\"{}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"5\"/>"
                 "<text x=\"{}\" y=\"{}\">{}</text>\n",
                 box.kind, box.x, box.y, box.width, kBoxHeight, box.x + box.width / 2, box.y + kBoxHeight / 2 + 5,
                 io::XmlEscaped(name));
}

}  // namespace

std::string PictureOf(const refine::Graph& graph) {
  Boxes boxes = BoxesOf(graph);
  Place(boxes);
  int width = 0, height = 0;
  std::string drawn;
  for (const auto& [name, box] : boxes) {
    for (const auto& input : box.inputs) AppendLine(boxes.at(input), box, drawn);
    width = std::max(width, box.x + box.width + kMargin);
    height = std::max(height, box.y + kBoxHeight + kMargin);
  }
  for (const auto& [name, box] : boxes) AppendBox(name, box, drawn);
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\" role=\"img\">\n"
      "<title>What is made of what</title>\n{2}{3}</svg>\n",
      width, height, kStyle, drawn);
}

}  // namespace millrace::app
