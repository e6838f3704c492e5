// Classes as pixels: finds the class of each pixel by its color, and paints those that are shown.

const HATCH_PX = 8;
const HATCHES = [
  (x, y) => (x + y) % HATCH_PX === 0,
  (x, y) => (x - y + HATCH_PX * 4096) % HATCH_PX === 0,
  (x, y) => y % HATCH_PX === 0,
  (x) => x % HATCH_PX === 0,
  (x, y) => x % HATCH_PX < 2 && y % HATCH_PX < 2,
  (x, y) => x % HATCH_PX === 0 || y % HATCH_PX === 0,
];

/** The classes of an image, and pictures of them. */
export class ClassImage {
  /**
   * @param {HTMLImageElement} image with one color for each class, transparent where there is none
   * @param {Array<{color: [number, number, number]}>} classes
   */
  constructor(image, classes) {
    this.width = image.naturalWidth;
    this.height = image.naturalHeight;
    this.canvas = document.createElement("canvas");
    this.canvas.width = this.width;
    this.canvas.height = this.height;
    this.context = this.canvas.getContext("2d", {willReadFrequently: true});
    this.context.drawImage(image, 0, 0);
    const rgba = this.context.getImageData(0, 0, this.width, this.height).data;
    this.classes = classes;
    this.indices = indicesOf(rgba, classes);
  }

  /** The index of the class at a pixel; -1 where there is none. */
  at(column, row) {
    const inside = column >= 0 && row >= 0 && column < this.width && row < this.height;
    const index = inside ? this.indices[row * this.width + column] : 255;
    return index === 255 ? -1 : index;
  }

  /** A picture of the classes that are shown, as an address; with hatches, so that colors alone need not be told apart. */
  paint(shown, hatched) {
    const picture = this.context.createImageData(this.width, this.height);
    const pixels = new Uint32Array(picture.data.buffer);
    const plain = this.classes.map(({color}) => packed(color));
    const lines = this.classes.map(({color}) => packed(color.map((c) => (isDark(color) ? c + (255 - c) * 0.6 : c * 0.45))));
    for (let y = 0, i = 0; y < this.height; y++) {
      for (let x = 0; x < this.width; x++, i++) {
        const index = this.indices[i];
        if (index !== 255 && shown[index]) {
          pixels[i] = hatched && HATCHES[index % HATCHES.length](x, y) ? lines[index] : plain[index];
        }
      }
    }
    this.context.putImageData(picture, 0, 0);
    return this.canvas.toDataURL();
  }
}

function indicesOf(rgba, classes) {
  const indices = new Uint8Array(rgba.length / 4).fill(255);
  const known = new Map();
  for (let i = 0, p = 0; i < indices.length; i++, p += 4) {
    if (rgba[p + 3] > 127) {
      const key = (rgba[p] << 16) | (rgba[p + 1] << 8) | rgba[p + 2];
      let index = known.get(key);
      if (index === undefined) {
        index = nearest([rgba[p], rgba[p + 1], rgba[p + 2]], classes);
        known.set(key, index);
      }
      indices[i] = index;
    }
  }
  return indices;
}

// Browsers that protect against fingerprinting return colors that are slightly off.
function nearest(color, classes) {
  let best = 255;
  let least = Infinity;
  classes.forEach((info, index) => {
    const distance = info.color.reduce((sum, value, k) => sum + (value - color[k]) ** 2, 0);
    if (distance < least) {
      least = distance;
      best = index;
    }
  });
  return best;
}

const isDark = ([red, green, blue]) => red * 0.3 + green * 0.59 + blue * 0.11 < 90;

const packed = ([red, green, blue]) => ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
