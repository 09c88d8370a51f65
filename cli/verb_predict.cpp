// ocellus predict MODEL_FILE IMAGE...: the most probable classes of images, or a detector's boxes in them, or any value of the
// graph for raw arrays.

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <ocellus/base/error.h>
#include <ocellus/data/draw.h>
#include <ocellus/data/sets/digits.h>
#include <ocellus/io/format.h>
#include <ocellus/tensor/npy.h>

#include "boxes.h"
#include "common.h"
#include "verb.h"

namespace cli {
namespace {

using namespace ocellus;
using data::Image;

constexpr std::string_view page_name = "builtin:digits";

struct State {
  std::string model, draw;
  std::vector<std::string> images, inputs, outputs;
  int64_t top = 5, seed = 0;
  std::optional<double> score, iou;
  bool json = false;
  Machine machine;
};

/// Probabilities [N,K] of images, some at a time.
Tensor classify(const Model& model, std::span<const Image> images) {
  const Tensor p = model.probabilities(batch_of(model, images));
  if (p.shape().rank() != 2)
    throw Unsupported("the model's output is " + p.shape().to_string() +
                      ", which is no list of classes; use --output NAME=y.npy to get it as an array");
  return p;
}

std::span<const float> row(const Tensor& t, int64_t i) {
  const auto width = static_cast<size_t>(t.shape()[1]);
  return t.as<float>().subspan(static_cast<size_t>(i) * width, width);
}

std::string percent(float p) { return fmt::format("{:.2f} %", 100 * static_cast<double>(p)); }

nlohmann::ordered_json guesses_json(const Model& model, const std::vector<Guess>& guesses) {
  nlohmann::ordered_json j = nlohmann::ordered_json::array();
  for (const Guess& g : guesses)
    j.push_back({{"index", g.index}, {"class", class_name(model, g.index)}, {"probability", g.probability}});
  return j;
}

void print_guesses(const Model& model, const std::string& name, const std::vector<Guess>& guesses) {
  fmt::print("{}\n", name);
  for (const Guess& g : guesses) fmt::print("  {:>9}  {}\n", percent(g.probability), class_name(model, g.index));
}

int predict_images(const State& s, const Model& model) {
  std::vector<Image> images;
  for (const std::string& path : s.images) images.push_back(data::load_image(path));
  const Tensor p = classify(model, images);
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  std::vector<data::Captioned> pictures;
  for (size_t i = 0; i < images.size(); ++i) {
    const auto guesses = top(row(p, static_cast<int64_t>(i)), s.top);
    if (s.json)
      all.push_back({{"image", s.images[i]}, {"top", guesses_json(model, guesses)}});
    else
      print_guesses(model, s.images[i], guesses);
    data::Captioned picture{images[i], {}};
    for (size_t k = 0; k < std::min<size_t>(guesses.size(), 3); ++k)
      picture.lines.push_back(percent(guesses[k].probability) + " " + class_name(model, guesses[k].index));
    pictures.push_back(std::move(picture));
  }
  if (s.json) fmt::print("{}\n", all.dump(2));
  if (!s.draw.empty()) data::save_image(s.draw, data::montage(pictures));
  return 0;
}

/// The page with what the model read above each digit: green where it is right, red where it is not.
void draw_page(const State& s, const Model& model, const data::Page& page, const std::vector<Guess>& guesses) {
  constexpr int scale = 3, note = 20;
  Image picture = data::to_rgb(
      data::resize(page.image, page.image.width * scale, page.image.height * scale, data::Interpolation::nearest));
  for (size_t i = 0; i < page.cells.size(); ++i) {
    const data::Rect& cell = page.cells[i];
    const bool right = guesses[i].index == page.labels[i];
    const data::Colour colour = right ? data::Colour{80, 220, 110} : data::Colour{255, 80, 80};
    const data::Rect big = {cell.x * scale - 1, cell.y * scale - 1, cell.width * scale + 2, cell.height * scale + 2};
    data::draw_frame(picture, big, colour);
    data::draw_text(picture, {big.x + 3, big.y + 2, note, note}, class_name(model, guesses[i].index),
                    {.colour = colour, .size = 14});
  }
  data::save_image(s.draw, picture);
}

int predict_page(const State& s, const Model& model) {
  const data::Page page = data::render_page({.seed = static_cast<uint64_t>(s.seed)});
  std::vector<Image> digits;
  for (const data::Rect& cell : page.cells) digits.push_back(data::crop(page.image, cell));
  const Tensor p = classify(model, digits);
  std::vector<Guess> guesses;
  size_t right = 0;
  for (size_t i = 0; i < digits.size(); ++i) {
    guesses.push_back(top(row(p, static_cast<int64_t>(i)), 1).front());
    right += guesses.back().index == page.labels[i];
  }
  if (s.json) {
    nlohmann::ordered_json j = {{"digits", digits.size()}, {"right", right}};
    for (size_t i = 0; i < digits.size(); ++i)
      j["read"].push_back({{"class", class_name(model, guesses[i].index)},
                           {"probability", guesses[i].probability},
                           {"label", page.labels[i]}});
    fmt::print("{}\n", j.dump(2));
  } else {
    int line = page.cells.empty() ? 0 : page.cells[0].y;
    for (size_t i = 0; i < digits.size(); ++i) {
      if (page.cells[i].y != line) fmt::print("\n");
      line = page.cells[i].y;
      fmt::print("{}{} ", class_name(model, guesses[i].index), guesses[i].index == page.labels[i] ? " " : "!");
    }
    fmt::print("\n{} of {} digits read right ('!' marks the others)\n", right, digits.size());
  }
  if (!s.draw.empty()) draw_page(s, model, page, guesses);
  return 0;
}

/// "NAME=file" or "file".
std::pair<std::string, std::string> name_and_file(const std::string& text) {
  const size_t at = text.find('=');
  return at == std::string::npos ? std::pair(std::string(), text) : std::pair(text.substr(0, at), text.substr(at + 1));
}

int predict_arrays(const State& s, const Model& model) {
  if (s.outputs.empty()) throw UsageError("--input needs an --output [NAME=]y.npy to write to");
  const auto names = model.input_names();
  std::vector<Tensor> inputs(names.size());
  for (const std::string& text : s.inputs) {
    const auto [name, file] = name_and_file(text);
    const auto it = name.empty() ? names.begin() : std::ranges::find(names, name);
    if (it == names.end())
      throw UsageError(fmt::format("the model has no input \"{}\"; it has {}", name, fmt::join(names, ", ")));
    Tensor t = read_npy(file);
    inputs[static_cast<size_t>(it - names.begin())] = t.dtype() == DType::f64 ? t.to(DType::f32) : t;
  }
  for (size_t i = 0; i < inputs.size(); ++i)
    if (!inputs[i]) throw UsageError("--input " + names[i] + "=x.npy is missing");
  std::vector<std::string> wanted, files;
  for (const std::string& text : s.outputs) {
    const auto [name, file] = name_and_file(text);
    wanted.push_back(name.empty() ? model.output_names().front() : name);
    files.push_back(file);
  }
  const std::vector<Tensor> outputs = model.predict(inputs, wanted);
  for (size_t i = 0; i < outputs.size(); ++i) {
    write_npy(files[i], outputs[i]);
    if (!s.json) fmt::print("{:<28} {:<20} {}\n", wanted[i], outputs[i].shape().to_string(), files[i]);
  }
  return 0;
}

int run(const State& s) {
  if (s.top < 1) throw UsageError("--top must be at least 1");
  Model model = io::read_model(s.model);
  s.machine.run(model);
  if (!s.inputs.empty() || !s.outputs.empty()) {
    if (!s.images.empty()) throw UsageError("give images or --input arrays, not both");
    return predict_arrays(s, model);
  }
  if (s.images.empty()) throw UsageError("give images, or arrays with --input and --output");
  if (!vision::detection_heads(model).empty())
    return predict_boxes(model, {.images = s.images,
                                 .draw = s.draw,
                                 .json = s.json,
                                 .nms = {.score_threshold = s.score.value_or(0.25), .iou_threshold = s.iou.value_or(0.45)}});
  if (s.score || s.iou) throw UsageError("--score and --iou are for detectors, and " + s.model + " is none");
  if (s.images.size() == 1 && s.images[0] == page_name) return predict_page(s, model);
  return predict_images(s, model);
}

std::function<int()> declare(Options& options) {
  auto s = std::make_shared<State>();
  options.argument("MODEL_FILE", s->model, "a saved model");
  options.arguments("IMAGE", s->images, "image files; builtin:digits is a rendered page of digits", 0);
  options.add("--top", s->top, "classes to show for each image");
  options.add("--score", s->score, "of a detector: boxes with scores above this; default 0.25");
  options.add("--iou", s->iou, "of a detector: a box goes that overlaps a better one of its class by more; default 0.45");
  options.add("--draw", s->draw, "draw the images with their classes or boxes to this file (.png, .jpg)");
  options.add("--seed", s->seed, "of the rendered page");
  options.add("--input", s->inputs, "[NAME=]x.npy: an array [N,C,H,W] as the network's input, preprocessed already");
  options.add("--output", s->outputs, "[NAME=]y.npy: where to write an output; NAME may be any layer of the model");
  options.flag("--json", s->json, "for machines");
  s->machine.declare(options);
  return [s] { return run(*s); };
}

}  // namespace

const Verb predict_verb = {"predict", "Classify images, find things in them, or get any layer's values for raw arrays",
                           "  ocellus predict runs/mnist/best.safetensors seven.png --top 3\n"
                           "  ocellus predict yolov3-tiny.cfg street.jpg --draw boxes.png\n"
                           "  ocellus predict runs/demo/best.safetensors builtin:digits --draw page.png\n"
                           "  ocellus predict best.safetensors --input x.npy --output conv2d=features.npy",
                           declare};

}  // namespace cli
