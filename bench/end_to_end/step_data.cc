#include "bench/end_to_end/step_data.h"

#include <algorithm>

#include "semfield/base/check.h"

namespace semfield::bench {

StepData MakeStepData(const Capture& capture, const ImageStore& store, const RadianceTrainer& trainer) {
  const RadianceModel& model = trainer.model();
  const double samples_per_ray = trainer.State().at("samples_per_ray").get<double>();
  StepData data;
  data.num_rays =
      std::clamp(static_cast<int>(model.options.samples_per_step / samples_per_ray), 512, 1 << 16) / 16 * 16;
  RaySampler sampler(capture, store, capture.train);
  Random random(MixSeed(model.options.seed, trainer.step()), 10);
  RayBatch batch;
  sampler.Sample(trainer.step(), random, data.num_rays, &batch);
  std::vector<float> jitter(data.num_rays);
  data.background.resize(3 * static_cast<size_t>(data.num_rays));
  SF_CHECK(model.options.background == Background::kRandom);
  for (int r = 0; r < data.num_rays; ++r) {
    jitter[r] = random.Uniform();
    for (int k = 0; k < 3; ++k) data.background[3 * r + k] = random.Uniform();
  }
  data.rgba = batch.rgba;
  SampleTiles tiles;
  tiles.March(model.map, model.occupancy, model.March(1), batch.rays, jitter);
  data.begin.push_back(0);
  for (size_t tile = 0; tile < tiles.tiles().size(); ++tile) {
    const SampleTile& part = tiles.tiles()[tile];
    const int32_t* begin = tiles.begin(part);
    for (int r = 0; r < part.num_rays; ++r) {
      for (int32_t c = begin[r]; c < begin[r + 1]; ++c) {
        data.ray.push_back(part.first_ray + r);
        data.x.push_back(tiles.x(tile)[c]);
        data.y.push_back(tiles.y(tile)[c]);
        data.z.push_back(tiles.z(tile)[c]);
        data.t.push_back(tiles.t(tile)[c] * model.LengthScale());
        data.dt.push_back(tiles.dt(tile)[c] * model.LengthScale());
      }
      data.begin.push_back(static_cast<int64_t>(data.ray.size()));
    }
  }
  for (int k = 0; k < 3; ++k) {
    for (const Ray& ray : batch.rays) data.direction[k].push_back(ray.direction[k]);
  }
  return data;
}

}  // namespace semfield::bench
