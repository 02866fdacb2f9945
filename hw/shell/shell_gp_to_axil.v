// SPDX-License-Identifier: AGPL-3.0-or-later
// AXI3 slave for PS7 M_AXI_GP0/1 to an AXI4-Lite master: one AXI4-Lite access a beat, one write and one read at a time.
// Everything that comes from or goes to the PS7 is a register. Write data may come before its address; it waits.
`default_nettype none
module shell_gp_to_axil #(
    parameter ID_WIDTH = 12
) (
    input  wire                clk,
    input  wire                reset_n,
    input  wire [ID_WIDTH-1:0] s_axi_AWID,
    input  wire [31:0]         s_axi_AWADDR,
    input  wire [3:0]          s_axi_AWLEN,
    input  wire [1:0]          s_axi_AWSIZE,
    input  wire [1:0]          s_axi_AWBURST,
    input  wire                s_axi_AWVALID,
    output wire                s_axi_AWREADY,
    input  wire [31:0]         s_axi_WDATA,
    input  wire [3:0]          s_axi_WSTRB,
    input  wire                s_axi_WLAST,
    input  wire                s_axi_WVALID,
    output wire                s_axi_WREADY,
    output wire [ID_WIDTH-1:0] s_axi_BID,
    output wire [1:0]          s_axi_BRESP,
    output wire                s_axi_BVALID,
    input  wire                s_axi_BREADY,
    input  wire [ID_WIDTH-1:0] s_axi_ARID,
    input  wire [31:0]         s_axi_ARADDR,
    input  wire [3:0]          s_axi_ARLEN,
    input  wire [1:0]          s_axi_ARSIZE,
    input  wire [1:0]          s_axi_ARBURST,
    input  wire                s_axi_ARVALID,
    output wire                s_axi_ARREADY,
    output wire [ID_WIDTH-1:0] s_axi_RID,
    output wire [31:0]         s_axi_RDATA,
    output wire [1:0]          s_axi_RRESP,
    output wire                s_axi_RLAST,
    output wire                s_axi_RVALID,
    input  wire                s_axi_RREADY,
    output wire [31:0]         m_axi_AWADDR,
    output wire                m_axi_AWVALID,
    input  wire                m_axi_AWREADY,
    output wire [31:0]         m_axi_WDATA,
    output wire [3:0]          m_axi_WSTRB,
    output wire                m_axi_WVALID,
    input  wire                m_axi_WREADY,
    input  wire [1:0]          m_axi_BRESP,
    input  wire                m_axi_BVALID,
    output wire                m_axi_BREADY,
    output wire [31:0]         m_axi_ARADDR,
    output wire                m_axi_ARVALID,
    input  wire                m_axi_ARREADY,
    input  wire [31:0]         m_axi_RDATA,
    input  wire [1:0]          m_axi_RRESP,
    input  wire                m_axi_RVALID,
    output wire                m_axi_RREADY
);
    localparam [2:0] RESET = 0, ADDRESS = 1, BEAT = 2, SEND = 3, ANSWER = 4, RESPOND = 5;

    reg reset;
    always @(posedge clk) reset <= !reset_n;

    // the low address bits of the next beat; a WRAP burst covers len+1 (2, 4, 8 or 16) beats
    function [5:0] step;
        input [5:0] address;
        input [3:0] len;
        input [1:0] size;
        input [1:0] burst;
        reg [5:0] sum, mask;
        begin
            sum = (address & ~((6'd1 << size) - 6'd1)) + (6'd1 << size);
            mask = ({2'b00, len} << size) | ((6'd1 << size) - 6'd1);
            step = burst == 2'b10 ? (address & ~mask) | (sum & mask) : sum;
        end
    endfunction

    // writes
    reg [2:0] wstate;
    reg [ID_WIDTH-1:0] wid;
    reg [31:0] waddr, wdata;
    reg [3:0] wlen, wcount, wstrb;
    reg [1:0] wsize, wburst, wresp;
    reg awready, wready, awvalid, wvalid;
    wire [5:0] wstep = step(waddr[5:0], wlen, wsize, wburst);
    wire wcarry = wburst == 2'b01 && wstep < waddr[5:0];

    assign s_axi_AWREADY = awready;
    assign s_axi_WREADY = wready;
    assign s_axi_BID = wid;
    assign s_axi_BRESP = wresp;
    assign s_axi_BVALID = wstate == RESPOND;
    assign m_axi_AWADDR = waddr;
    assign m_axi_AWVALID = awvalid;
    assign m_axi_WDATA = wdata;
    assign m_axi_WSTRB = wstrb;
    assign m_axi_WVALID = wvalid;
    assign m_axi_BREADY = wstate == ANSWER;

    always @(posedge clk)
        if (reset) begin
            wstate <= RESET;
            wid <= 0;
            waddr <= 32'd0;
            wdata <= 32'd0;
            wstrb <= 4'd0;
            wlen <= 4'd0;
            wcount <= 4'd0;
            wsize <= 2'd0;
            wburst <= 2'd0;
            wresp <= 2'b00;
            awready <= 1'b0;
            wready <= 1'b0;
            awvalid <= 1'b0;
            wvalid <= 1'b0;
        end else
            case (wstate)
                ADDRESS:
                    if (s_axi_AWVALID) begin
                        wid <= s_axi_AWID;
                        waddr <= s_axi_AWADDR;
                        wlen <= s_axi_AWLEN;
                        wcount <= s_axi_AWLEN;
                        wsize <= s_axi_AWSIZE[1] ? 2'd2 : s_axi_AWSIZE;
                        wburst <= s_axi_AWBURST;
                        wresp <= 2'b00;
                        awready <= 1'b0;
                        wready <= 1'b1;
                        wstate <= BEAT;
                    end
                BEAT:
                    if (s_axi_WVALID) begin
                        wdata <= s_axi_WDATA;
                        wstrb <= s_axi_WSTRB;
                        wready <= 1'b0;
                        awvalid <= 1'b1;
                        wvalid <= 1'b1;
                        wstate <= SEND;
                    end
                SEND: begin
                    if (m_axi_AWREADY) awvalid <= 1'b0;
                    if (m_axi_WREADY) wvalid <= 1'b0;
                    if ((!awvalid || m_axi_AWREADY) && (!wvalid || m_axi_WREADY)) wstate <= ANSWER;
                end
                ANSWER:
                    if (m_axi_BVALID) begin
                        if (m_axi_BRESP > wresp) wresp <= m_axi_BRESP;
                        if (wburst != 2'b00) waddr <= {waddr[31:6] + {25'd0, wcarry}, wstep};
                        wcount <= wcount - 4'd1;
                        wready <= wcount != 0;
                        wstate <= wcount == 0 ? RESPOND : BEAT;
                    end
                RESPOND:
                    if (s_axi_BREADY) begin
                        awready <= 1'b1;
                        wstate <= ADDRESS;
                    end
                default: begin
                    awready <= 1'b1;
                    wstate <= ADDRESS;
                end
            endcase

    // reads
    reg [2:0] rstate;
    reg [ID_WIDTH-1:0] rid;
    reg [31:0] raddr, rdata;
    reg [3:0] rlen, rcount;
    reg [1:0] rsize, rburst, rresp;
    reg arready;
    wire [5:0] rstep = step(raddr[5:0], rlen, rsize, rburst);
    wire rcarry = rburst == 2'b01 && rstep < raddr[5:0];

    assign s_axi_ARREADY = arready;
    assign s_axi_RID = rid;
    assign s_axi_RDATA = rdata;
    assign s_axi_RRESP = rresp;
    assign s_axi_RLAST = rcount == 0;
    assign s_axi_RVALID = rstate == RESPOND;
    assign m_axi_ARADDR = raddr;
    assign m_axi_ARVALID = rstate == SEND;
    assign m_axi_RREADY = rstate == ANSWER;

    always @(posedge clk)
        if (reset) begin
            rstate <= RESET;
            rid <= 0;
            raddr <= 32'd0;
            rdata <= 32'd0;
            rlen <= 4'd0;
            rcount <= 4'd0;
            rsize <= 2'd0;
            rburst <= 2'd0;
            rresp <= 2'b00;
            arready <= 1'b0;
        end else
            case (rstate)
                ADDRESS:
                    if (s_axi_ARVALID) begin
                        rid <= s_axi_ARID;
                        raddr <= s_axi_ARADDR;
                        rlen <= s_axi_ARLEN;
                        rcount <= s_axi_ARLEN;
                        rsize <= s_axi_ARSIZE[1] ? 2'd2 : s_axi_ARSIZE;
                        rburst <= s_axi_ARBURST;
                        arready <= 1'b0;
                        rstate <= SEND;
                    end
                SEND: if (m_axi_ARREADY) rstate <= ANSWER;
                ANSWER:
                    if (m_axi_RVALID) begin
                        rdata <= m_axi_RDATA;
                        rresp <= m_axi_RRESP;
                        rstate <= RESPOND;
                    end
                RESPOND:
                    if (s_axi_RREADY) begin
                        if (rburst != 2'b00) raddr <= {raddr[31:6] + {25'd0, rcarry}, rstep};
                        rcount <= rcount - 4'd1;
                        arready <= rcount == 0;
                        rstate <= rcount == 0 ? ADDRESS : SEND;
                    end
                default: begin
                    arready <= 1'b1;
                    rstate <= ADDRESS;
                end
            endcase

    wire unused = &{1'b0, s_axi_WLAST};
endmodule
`default_nettype wire
