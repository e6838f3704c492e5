// The map of a report: the scene, the classes over it up to a divider, and outlines; without any request to a network.
import Feature from "ol/Feature.js";
import Map from "ol/Map.js";
import View from "ol/View.js";
import ScaleLine from "ol/control/ScaleLine.js";
import Zoom from "ol/control/Zoom.js";
import ZoomToExtent from "ol/control/ZoomToExtent.js";
import Polygon from "ol/geom/Polygon.js";
import DragPan from "ol/interaction/DragPan.js";
import KeyboardPan from "ol/interaction/KeyboardPan.js";
import KeyboardZoom from "ol/interaction/KeyboardZoom.js";
import MouseWheelZoom from "ol/interaction/MouseWheelZoom.js";
import PinchZoom from "ol/interaction/PinchZoom.js";
import DoubleClickZoom from "ol/interaction/DoubleClickZoom.js";
import ImageLayer from "ol/layer/Image.js";
import VectorLayer from "ol/layer/Vector.js";
import Projection from "ol/proj/Projection.js";
import Static from "ol/source/ImageStatic.js";
import VectorSource from "ol/source/Vector.js";
import Stroke from "ol/style/Stroke.js";
import Style from "ol/style/Style.js";
import {ClassImage} from "./paint.js";

const byId = (id) => document.getElementById(id);

async function start() {
  const about = JSON.parse(byId("map-data").textContent);
  const images = [byId("scene-image"), byId("class-image")];
  await Promise.all(images.map((image) => image.decode()));
  const [photo, drawing] = images;
  const classes = new ClassImage(drawing, about.classes);
  const [width, height] = about.size;
  const extent = [0, -height, width, 0]; // the products' pixels, with y upward
  const projection = new Projection({
    code: "pixels",
    units: "m",
    extent,
    getPointResolution: (resolution) => resolution * (about.meters_per_pixel || 1), // for the scale bar
  });

  const sceneLayer = new ImageLayer({source: picture(photo.src, about.scene_extent, projection, true)});
  const classLayer = new ImageLayer({opacity: 1});
  const isShown = (index) => byId(`show-${index}`).checked;
  const outlines = new VectorLayer({
    source: new VectorSource({features: about.outlines.map(outlineOf)}),
    style: outlineStyles(about.classes, isShown),
    updateWhileInteracting: true,
  });
  const view = new View({projection, constrainOnlyCenter: true, extent, minResolution: 1 / 16});
  const controls = [new Zoom(), new ZoomToExtent({extent, label: corners(), tipLabel: "Show everything"})];
  if (about.meters_per_pixel) {
    controls.push(new ScaleLine());
  }
  byId("map-box").classList.add("ready");
  byId("map-stills").hidden = true;
  byId("map-controls").hidden = false;
  byId("map").style.aspectRatio = `${width} / ${height}`;
  const map = new Map({
    target: "map",
    layers: [sceneLayer, classLayer, outlines],
    view,
    controls,
    interactions: [
      new DragPan(),
      new PinchZoom(),
      new DoubleClickZoom(),
      new MouseWheelZoom({condition: wheelIsForMap}),
      new KeyboardPan(),
      new KeyboardZoom(),
    ],
  });
  view.fit(extent);

  const repaint = () => {
    const uri = classes.paint(about.classes.map((_, index) => isShown(index)), byId("show-hatches").checked);
    classLayer.setSource(picture(uri, about.class_extent, projection, false));
    outlines.setVisible(byId("show-outlines").checked);
    outlines.changed();
  };
  byId("map-controls").addEventListener("change", repaint);
  repaint();
  divide(map, classLayer);
  readOut(map, about, classes);
}

/** The wheel scrolls the page until the map has been clicked or reached by Tab. */
const wheelIsForMap = ({originalEvent}) => originalEvent.ctrlKey || byId("map").contains(document.activeElement);

/** Four corners of a frame, as a picture: few fonts have a character for it. */
function corners() {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  const values = {d: "M2 6V2H6M10 2H14V6M14 10V14H10M6 14H2V10", fill: "none", stroke: "currentColor", "stroke-width": "1.6"};
  Object.entries(values).forEach(([name, value]) => path.setAttribute(name, value));
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.append(path);
  return svg;
}

const picture = (url, imageExtent, projection, interpolate) => new Static({url, imageExtent, projection, interpolate});

/** [class, ring, ring...], a ring being the steps from corner to corner in tenths of a pixel. */
function outlineOf([index, ...rings]) {
  const feature = new Feature(
    new Polygon(
      rings.map((steps) => {
        const corners = [];
        let [x, y] = [0, 0];
        for (let i = 0; i < steps.length; i += 2) {
          x += steps[i];
          y += steps[i + 1];
          corners.push([x / 10, -y / 10]);
        }
        corners.push(corners[0]);
        return corners;
      }),
    ),
  );
  feature.set("index", index);
  return feature;
}

/** Lines get thinner as more pixels share the screen, so that small objects are not buried under their outlines. */
function outlineStyles(classes, isShown) {
  const styles = (width) =>
    classes.map(({color}) => [
      new Style({stroke: new Stroke({color: "rgba(0, 0, 0, 0.75)", width: width * 2})}),
      new Style({stroke: new Stroke({color: `rgb(${color.join(",")})`, width})}),
    ]);
  const [near, middle, far] = [1.75, 1, 0.5].map(styles);
  return (feature, resolution) => {
    const index = feature.get("index");
    const wide = resolution < 2 ? near : resolution < 5 ? middle : far;
    return isShown(index) ? wide[index] : [];
  };
}

/** Classes are shown to the right of a divider, which the slider and the pointer move. */
function divide(map, layer) {
  const slider = byId("map-swipe");
  const divider = byId("map-divider");
  const place = () => {
    divider.style.left = `${slider.value}%`;
    slider.setAttribute("aria-valuetext", `scene on the left ${slider.value} percent of the map, classes on the right`);
    map.render();
  };
  slider.addEventListener("input", place);
  place();
  layer.on("prerender", ({context}) => {
    const {width, height} = context.canvas;
    context.save();
    context.beginPath();
    context.rect((width * slider.value) / 100, 0, width, height);
    context.clip();
  });
  layer.on("postrender", ({context}) => context.restore());

  divider.addEventListener("pointerdown", (event) => {
    divider.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  divider.addEventListener("pointermove", (event) => {
    if (divider.hasPointerCapture(event.pointerId)) {
      const box = byId("map").getBoundingClientRect();
      slider.value = Math.round(((event.clientX - box.left) / box.width) * 100);
      place();
    }
  });
}

/** Says what is under the pointer, and, once the map has moved, what is at its center. */
function readOut(map, about, classes) {
  const words = ([x, y]) => {
    const [column, row] = [Math.floor(x), Math.floor(-y)];
    if (column < 0 || row < 0 || column >= about.size[0] || row >= about.size[1]) {
      return "outside the scene";
    }
    const [left, bottom, right, top] = about.class_extent;
    const index = classes.at(
      Math.floor(((x - left) / (right - left)) * classes.width),
      Math.floor(((top - y) / (top - bottom)) * classes.height),
    );
    const name = index < 0 ? "no data" : about.classes[index].name;
    const [a, b, c, d, e, f] = about.transform;
    const place = [a * x - b * y + c, d * x - e * y + f].map((value) => value.toFixed(about.digits)).join(", ");
    return about.crs ? `${name} at ${place}` : `${name} at row ${row}, column ${column}`;
  };
  map.on("pointermove", ({coordinate, dragging}) => {
    if (!dragging) {
      byId("map-pointer").textContent = words(coordinate);
    }
  });
  map.on("moveend", () => {
    byId("map-center").textContent = `Center of the map: ${words(map.getView().getCenter())}`;
  });
}

start();
