// Curves and confusion matrices. Axes take steps of 1, 2 or 5 times a power of ten, about six of them.
#include <ocellus/train/plot.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include <ocellus/base/error.h>

#include "train/canvas.h"

namespace ocellus {
namespace {

cv::Scalar ink() { return rgb(0x2b2f36); }
cv::Scalar faint() { return rgb(0x6b7280); }
cv::Scalar grid() { return rgb(0xe5e7eb); }

struct Series {
  std::string label;
  std::vector<double> x, y;
  cv::Scalar colour;
};

/// A range of values with the step between its ticks.
struct Axis {
  double low, high, step;

  /// The least round range that covers [low, high] with about `ticks` steps.
  static Axis over(double low, double high, int ticks) {
    if (high - low < 1e-12 * std::max(1.0, std::abs(high))) {
      const double pad = std::max(std::abs(high) * 0.1, 1e-3);
      low -= pad;
      high += pad;
    }
    const double rough = (high - low) / ticks;
    const double power = std::pow(10, std::floor(std::log10(rough)));
    double step = 10 * power;
    for (const double m : {1.0, 2.0, 5.0})
      if (m * power >= rough * 0.999) {
        step = m * power;
        break;
      }
    return {std::floor(low / step + 1e-9) * step, std::ceil(high / step - 1e-9) * step, step};
  }

  int ticks() const { return static_cast<int>(std::lround((high - low) / step)); }
  double tick(int i) const { return low + i * step; }
  std::string label(int i) const {
    const int digits = std::clamp(static_cast<int>(std::ceil(-std::log10(step) - 1e-9)), 0, 9);
    const double value = tick(i);
    return fmt::format("{:.{}f}", std::abs(value) < step * 1e-6 ? 0.0 : value, digits);
  }
};

/// One diagram: frame, grid, ticks, curves, legend.
class Panel {
 public:
  Panel(Canvas& canvas, cv::Rect2d box, std::string title, std::vector<Series> series, bool smaller_is_better)
      : canvas_(canvas), box_(box), title_(std::move(title)), series_(std::move(series)), smaller_(smaller_is_better) {}

  void draw() {
    double low = std::numeric_limits<double>::infinity(), high = -low, first = low, last = high;
    for (const Series& s : series_)
      for (size_t i = 0; i < s.x.size(); ++i) {
        first = std::min(first, s.x[i]);
        last = std::max(last, s.x[i]);
        if (!std::isfinite(s.y[i])) continue;
        low = std::min(low, s.y[i]);
        high = std::max(high, s.y[i]);
      }
    if (low > high) low = high = 0;
    y_ = Axis::over(low, high, 6);
    if (low >= 0 && y_.low < 0) y_.low = 0;
    x_low_ = first < last ? first : first - 1;
    x_high_ = first < last ? last : last + 1;
    frame(first, last);
    for (const Series& s : series_) curve(s);
    for (const Series& s : series_) best_point(s);
    legend();
  }

 private:
  cv::Point2d place(double x, double y) const {
    return {box_.x + (x - x_low_) / (x_high_ - x_low_) * box_.width,
            box_.y + box_.height - (y - y_.low) / (y_.high - y_.low) * box_.height};
  }

  void frame(double first, double last) {
    const double bottom = box_.y + box_.height, right = box_.x + box_.width;
    for (int i = 0; i <= y_.ticks(); ++i) {
      const double y = place(x_low_, y_.tick(i)).y;
      canvas_.line({box_.x, y}, {right, y}, grid());
      canvas_.text({box_.x - 8, y}, y_.label(i), Align::right, 8.5, faint());
    }
    const double step = std::max(1.0, Axis::over(first, std::max(last, first + 1), 8).step);
    for (double x = std::ceil(first / step) * step; x <= last + 1e-9; x += step) {
      const double at = place(x, y_.low).x;
      canvas_.line({at, box_.y}, {at, bottom}, grid());
      canvas_.text({at, bottom + 14}, fmt::format("{:.0f}", x), Align::centre, 8.5, faint());
    }
    canvas_.line({box_.x, bottom}, {right, bottom}, faint(), 1.2);
    canvas_.line({box_.x, box_.y}, {box_.x, bottom}, faint(), 1.2);
    canvas_.text({box_.x + box_.width / 2, bottom + 36}, "epoch", Align::centre, 9.5, ink());
    canvas_.text({box_.x + box_.width / 2, box_.y - 22}, label_text(title_, 40), Align::centre, 12, ink(), true);
  }

  void curve(const Series& s) {
    std::vector<cv::Point2d> run;
    const auto flush = [&] {
      if (run.size() == 1) canvas_.disc(run[0], 2.5, s.colour);
      canvas_.polyline(run, s.colour, 2);
      run.clear();
    };
    for (size_t i = 0; i < s.x.size(); ++i) {
      if (std::isfinite(s.y[i]))
        run.push_back(place(s.x[i], s.y[i]));
      else
        flush();  // a gap, not a line through it
    }
    flush();
    if (s.x.size() <= 40)
      for (size_t i = 0; i < s.x.size(); ++i)
        if (std::isfinite(s.y[i])) canvas_.disc(place(s.x[i], s.y[i]), 2.6, s.colour);
  }

  std::optional<size_t> best(const Series& s) const {
    std::optional<size_t> best;
    for (size_t i = 0; i < s.y.size(); ++i)
      if (std::isfinite(s.y[i]) && (!best || (smaller_ ? s.y[i] < s.y[*best] : s.y[i] > s.y[*best]))) best = i;
    return best;
  }

  void best_point(const Series& s) {
    const auto at = best(s);
    if (!at) return;
    const cv::Point2d p = place(s.x[*at], s.y[*at]);
    canvas_.disc(p, 5, s.colour);
    canvas_.disc(p, 2.6, rgb(0xffffff));
  }

  /// In the upper right corner for curves that fall, the lower right for those that rise.
  void legend() {
    std::vector<std::string> lines;
    double width = 0;
    for (const Series& s : series_) {
      const auto at = best(s);
      lines.push_back(at ? fmt::format("{}, best {:.4g} (epoch {:.0f})", s.label, s.y[*at], s.x[*at]) : s.label);
      width = std::max(width, Canvas::text_width(lines.back(), 9));
    }
    const double height = 14 + 20.0 * static_cast<double>(lines.size());
    const cv::Rect2d area(box_.x + box_.width - width - 58, smaller_ ? box_.y + 10 : box_.y + box_.height - height - 10,
                          width + 48, height);
    canvas_.rectangle(area, rgb(0xffffff));
    canvas_.outline(area, grid());
    for (size_t i = 0; i < lines.size(); ++i) {
      const double y = area.y + 17 + 20.0 * static_cast<double>(i);
      canvas_.line({area.x + 10, y}, {area.x + 32, y}, series_[i].colour, 2.5);
      canvas_.text({area.x + 40, y}, lines[i], Align::left, 9, ink());
    }
  }

  Canvas& canvas_;
  cv::Rect2d box_;
  std::string title_;
  std::vector<Series> series_;
  bool smaller_;
  Axis y_{};
  double x_low_ = 0, x_high_ = 1;
};

/// The training and validation series of one value; either may be absent.
std::vector<Series> series_of(const History& history, const std::vector<std::string>& names, const std::string& name) {
  std::vector<double> epochs;
  for (const History::Row& row : history.rows()) epochs.push_back(static_cast<double>(row.epoch + 1));
  std::vector<Series> series;
  const auto add = [&](const std::string& column, const char* label, int colour) {
    if (std::ranges::find(names, column) != names.end())
      series.push_back({label, epochs, history.column(column), rgb(colour)});
  };
  add(name, "training", 0x2563eb);
  add("val_" + name, "validation", 0xf97316);
  return series;
}

/// The first value that is neither a loss nor the learning rate nor a validation figure.
std::optional<std::string> first_metric(const std::vector<std::string>& names) {
  for (const std::string& name : names)
    if (name.find("loss") == std::string::npos && !name.starts_with("val_") && name != "lr" && name != "time")
      return name;
  return std::nullopt;
}

}  // namespace

void plot_curves(const History& history, const std::filesystem::path& path) {
  if (history.empty()) throw UsageError(path.string() + ": there is no epoch to draw");
  const std::vector<std::string> names = history.names();
  std::vector<std::string> shown;
  for (const std::string& name : names)
    if (name == "loss" || name == "val_loss") shown = {"loss"};
  if (const auto metric = first_metric(names)) shown.push_back(*metric);
  if (shown.empty()) throw UsageError(path.string() + ": the history has neither a loss nor a metric");

  Canvas canvas(1200, 480);
  const double width = 1200.0 / static_cast<double>(shown.size());
  for (size_t i = 0; i < shown.size(); ++i) {
    const cv::Rect2d box(width * static_cast<double>(i) + 72, 56, width - 72 - 28, 480 - 56 - 60);
    const Monitor monitor(shown[i]);
    Panel(canvas, box, shown[i], series_of(history, names, shown[i]), monitor.smaller_is_better()).draw();
  }
  canvas.save_png(path);
}

namespace {

/// White to deep blue; small shares stay visible because the scale is that of the square root.
cv::Scalar shade(double share) {
  const double t = std::sqrt(std::clamp(share, 0.0, 1.0));
  const cv::Scalar from = rgb(0xf8fafc), to = rgb(0x1e40af);
  return from + (to - from) * t;
}

std::string count_text(double count) {
  if (count != std::floor(count)) return fmt::format("{:.1f}", count);
  return count < 1e5 ? fmt::format("{:.0f}", count) : fmt::format("{:.0f}k", count / 1000);
}

/// Where the matrix stands in its picture.
struct MatrixLayout {
  double cell, label_height, left, top, size;
  bool labels;
};

MatrixLayout layout_of(int64_t classes, const std::vector<std::string>& names) {
  MatrixLayout m{};
  const double n = static_cast<double>(classes);
  m.cell = std::clamp(std::floor(640 / n), 2.0, 64.0);
  m.label_height = std::clamp(m.cell * 0.45, 6.0, 9.0);
  m.labels = m.cell >= 9;
  double widest = 0;
  for (const std::string& name : names) widest = std::max(widest, Canvas::text_width(name, m.label_height));
  m.left = 48 + (m.labels ? widest + 10 : 0);
  m.top = 56;
  m.size = m.cell * n;
  return m;
}

void draw_cells(Canvas& canvas, const metric::ConfusionMatrix& matrix, const MatrixLayout& m) {
  const int64_t n = matrix.classes();
  for (int64_t a = 0; a < n; ++a) {
    const double support = matrix.support(a);
    for (int64_t p = 0; p < n; ++p) {
      const double count = matrix.count(a, p), share = support > 0 ? count / support : 0;
      const cv::Rect2d box(m.left + static_cast<double>(p) * m.cell, m.top + static_cast<double>(a) * m.cell, m.cell,
                           m.cell);
      canvas.rectangle(box, shade(share));
      const std::string text = count_text(count);
      const double height = std::min(10.0, m.cell * 0.26);
      if (count > 0 && height >= 5.5 && Canvas::text_width(text, height) < m.cell - 2)
        canvas.text({box.x + m.cell / 2, box.y + m.cell / 2}, text, Align::centre, height,
                    share > 0.2 ? rgb(0xffffff) : ink());
    }
  }
  if (m.cell < 9) return;
  for (int64_t i = 0; i <= n; ++i) {
    const double at = static_cast<double>(i) * m.cell;
    canvas.line({m.left, m.top + at}, {m.left + m.size, m.top + at}, grid());
    canvas.line({m.left + at, m.top}, {m.left + at, m.top + m.size}, grid());
  }
}

}  // namespace

void plot_confusion(const metric::ConfusionMatrix& matrix, const std::vector<std::string>& given,
                    const std::filesystem::path& path) {
  const int64_t n = matrix.classes();
  if (!given.empty() && static_cast<int64_t>(given.size()) != n)
    throw UsageError(fmt::format("{}: {} names for {} classes", path.string(), given.size(), n));
  std::vector<std::string> names;
  for (int64_t c = 0; c < n; ++c)
    names.push_back(label_text(given.empty() ? matrix.name(c) : given[static_cast<size_t>(c)], 20));

  const MatrixLayout m = layout_of(n, names);
  double widest = 0;
  for (const std::string& name : names) widest = std::max(widest, Canvas::text_width(name, m.label_height));
  const bool upright = widest < m.cell - 4;
  const double below = m.labels ? (upright ? 24 : widest + 14) : 8;
  const double width = std::max(m.left + m.size + 28, 320.0);
  Canvas canvas(static_cast<int>(width), static_cast<int>(m.top + m.size + below + 34));
  draw_cells(canvas, matrix, m);
  canvas.outline({m.left, m.top, m.size, m.size}, faint());

  const double bottom = m.top + m.size;
  for (int64_t c = 0; m.labels && c < n; ++c) {
    const double middle = (static_cast<double>(c) + 0.5) * m.cell;
    const std::string& name = names[static_cast<size_t>(c)];
    canvas.text({m.left - 8, m.top + middle}, name, Align::right, m.label_height, ink());
    if (upright)
      canvas.text({m.left + middle, bottom + 14}, name, Align::centre, m.label_height, ink());
    else
      canvas.upward_text({m.left + middle, bottom + 6}, name, Align::right, m.label_height, ink());
  }
  const double accuracy = matrix.accuracy();
  const std::string title = std::isnan(accuracy) ? "no samples" : fmt::format("accuracy {:.2f} %", accuracy * 100);
  canvas.text({m.left + m.size / 2, 28}, title, Align::centre, 12, ink(), true);
  canvas.text({m.left + m.size / 2, bottom + below + 14}, "predicted", Align::centre, 10, ink());
  canvas.upward_text({22, m.top + m.size / 2}, "actual", Align::centre, 10, ink());
  canvas.save_png(path);
}

}  // namespace ocellus
