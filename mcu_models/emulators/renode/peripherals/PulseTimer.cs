using System;

using Antmicro.Renode.Core;

namespace Antmicro.Renode.Peripherals.EdgeSensorTwin
{
    /// <summary>
    /// Times the high pulses of a pin in virtual time, as a logic analyser at the pin would, for monitor and tests. It
    /// connects itself, so that the pin's other wires stay as they are. A pulse that has begun is counted when it ends.
    /// </summary>
    public class PulseTimer : IGPIOReceiver
    {
        public PulseTimer(CoreClock core, INumberedGPIOOutput port, int pin)
        {
            this.core = core;
            Clear();
            port.Connections[pin].Connect(this, 0);
        }

        public void Reset()
        {
            // An instrument beside the chip: what it has seen stays.
            riseNs = double.NaN;
        }

        public void OnGPIO(int number, bool value)
        {
            if(value)
            {
                riseNs = core.NowNs;
            }
            else if(!double.IsNaN(riseNs))
            {
                Take(core.NowNs - riseNs);
                riseNs = double.NaN;
            }
        }

        /// <summary>Forgets all pulses.</summary>
        public void Clear()
        {
            riseNs = double.NaN;
            count = 0;
            totalNs = 0;
            ShortestMicroseconds = double.PositiveInfinity;
            LongestMicroseconds = 0;
        }

        /// <summary>Complete pulses so far. A double, for the monitor prints whole numbers as hexadecimal.</summary>
        public double Count => count;

        /// <summary>Mean length of the pulses; not a number before the first.</summary>
        public double MeanMicroseconds => totalNs / 1e3 / count;

        public double ShortestMicroseconds { get; private set; }

        public double LongestMicroseconds { get; private set; }

        private void Take(double pulseNs)
        {
            count += 1;
            totalNs += pulseNs;
            ShortestMicroseconds = Math.Min(ShortestMicroseconds, pulseNs / 1e3);
            LongestMicroseconds = Math.Max(LongestMicroseconds, pulseNs / 1e3);
        }

        private double riseNs;
        private double count;
        private double totalNs;
        private readonly CoreClock core;
    }
}
